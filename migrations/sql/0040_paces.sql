-- Letters and drawings of messages each have a pace, shared by all processes: when the next one may.
alter table mail_pace rename to paces;
alter table paces drop column id;
alter table paces add column what text primary key default 'letters';
alter table paces alter column what drop default;
