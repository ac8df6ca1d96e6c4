-- Lists of what one person's customers have are read in their order, customer by customer.
create index bills_of_customer on bills (customer_id, status, created_at, id);
drop index bills_pending;
