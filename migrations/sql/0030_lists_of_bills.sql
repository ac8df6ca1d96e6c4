-- Whoever is told how far a list is that they sent is told again when one of its bills moves.
create index send_list_bills_by_bill on send_list_bills (bill_id);
