-- What one person decided, the newest first, however much others did since.
create index bill_actions_decided on bill_actions (stakeholder_id, id) include (bill_id)
where action in ('approve', 'reject', 'release', 'revise', 'send', 'void', 'undo');
