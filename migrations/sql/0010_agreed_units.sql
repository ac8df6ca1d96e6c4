-- Calls over the month's limit that Finance agreed not to bill; below zero, calls billed beyond them.
alter table bills add column waived_units bigint;

-- What was agreed before: a bill with other units than those over its limit has them by hand. The
-- row says nothing else than it did, so its version stays.
alter table bills disable trigger one_version_up;
update bills
set waived_units = greatest(0, api_usage - monthly_api_limit) - overage_units
where kind = 'overage' and overage_units <> greatest(0, api_usage - monthly_api_limit);
alter table bills enable always trigger one_version_up;
