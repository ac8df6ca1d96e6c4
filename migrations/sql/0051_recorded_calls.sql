-- What whoever recorded a figure made it: a figure that is another by now, nobody has recorded.
alter table usages add column recorded_calls bigint;
update usages set recorded_calls = api_usage where recorded_from is not null;
