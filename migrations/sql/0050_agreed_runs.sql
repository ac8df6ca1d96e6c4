-- The digest of the preview that whoever asked agreed to; null: they were shown none, or it was
-- compared as they asked.
alter table bill_runs add column agreed text;
