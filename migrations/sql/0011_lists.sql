-- Lists are read in their order, however many bills there are: of one state, or of a month and a state.
create index bills_listed on bills (status, created_at, id);
create index bills_month_listed on bills (year, month, status, created_at, id);
drop index bills_open;

-- And what waits for a person, from the customers who name them, or from those where anybody is asked.
create index bills_pending on bills (customer_id) where status = 'pending';
create index customers_csm on customers (csm_id);
create index customers_sales on customers (sales_id);
create index customers_any_csm on customers (id)
    where csm_id is null and (
        require_csm_approval or second_approval_above is not null or sales_id is null);
create index customers_any_sales on customers (id)
    where sales_id is null and (require_sales_approval or second_approval_above is not null);

-- Digests are few among all messages.
create index messages_digests on messages (recipient, id) where kind = 'digest';
