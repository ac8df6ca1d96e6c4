-- Names by their ends: whoever mistypes the beginning of a name has its end right.
create index customer_names_backwards on customer_names (reverse(name_key));
