-- This database, told apart from all others: two that begin with the same numbers mail different letters.
create table installation (
    only_one boolean primary key default true check (only_one),
    id text not null default substr(replace(gen_random_uuid()::text, '-', ''), 1, 12)
);
insert into installation default values;
create trigger append_only before update or delete or truncate on installation
    for each statement execute function refuse_change();
alter table installation enable always trigger append_only;

-- By what a document's letter is known, each time it is mailed; without one, by the document's number.
alter table documents add column mail_id text unique;
