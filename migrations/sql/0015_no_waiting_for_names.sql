-- Whatever a foreign key could refer to, PostgreSQL locks against all who refer to the row while it
-- is changed: an import that renames people held up every decision, which refers to who decided,
-- and waited for the decided bill itself. A partial index is none that could be referred to.
alter table users drop constraint users_name_key;
create unique index users_name_key on users (name) where name is not null;
alter table users drop constraint users_slack_user_id_key;
create unique index users_slack_user_id_key on users (slack_user_id) where slack_user_id is not null;
alter table bills drop constraint bills_number_key;
create unique index bills_number_key on bills (number) where number is not null;
