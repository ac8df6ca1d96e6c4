-- Few are, among all that was ever done to bills.
create index no_e_invoices on bill_actions (created_at)
where action = 'issue' and snapshot ? 'no_e_invoice';
