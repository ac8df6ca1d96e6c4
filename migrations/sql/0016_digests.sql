-- The digest that stands for a card is found by whose cards it lists, and up to which.
drop index messages_digests;
create index messages_digests
    on messages ((facts ->> 'of'), ((facts ->> 'last')::bigint)) where kind = 'digest';
