-- Files for accounting programs that were to hold what none before had, with what went into each.
-- An entry goes out once in a format. The file is kept, compressed and in parts, to be had again.
create table ledger_exports (
    id bigint generated always as identity primary key,
    format text not null check (
        format in ('hledger', 'ledger', 'beancount', 'datev', 'xero', 'quickbooks')),
    entries bigint not null,
    sha256 text not null,
    created_at timestamptz not null default now()
);
create table ledger_export_entries (
    export_id bigint not null references ledger_exports,
    format text not null,
    bill_id bigint not null references bills,
    is_reversal boolean not null,
    primary key (format, bill_id, is_reversal)
);
create index on ledger_export_entries (export_id);
create table ledger_export_parts (
    export_id bigint not null references ledger_exports,
    part int not null,
    content bytea not null,
    primary key (export_id, part)
);
