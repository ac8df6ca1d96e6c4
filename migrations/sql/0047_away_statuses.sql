-- Whose status in Slack says that they are away, and until when (null: until they change it).
-- `is_followed`: that is why they are away here; not where they have said otherwise themselves.
create table away_statuses (
    user_id bigint primary key references users (id),
    emoji text not null,
    ends_at timestamptz,
    is_followed boolean not null
);
-- Who decides in their place where a status says that they are away.
alter table users add column last_delegate_id bigint references users (id);
