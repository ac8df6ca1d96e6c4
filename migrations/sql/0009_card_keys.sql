-- A bill has one card at a recipient: that is its key, by which a bill's cards are found as well.
-- `key` is for all the others. And only what is posted has a place in Slack to be unique.
alter table messages alter key drop not null;
update messages set key = null where bill_id is not null;
alter table messages add constraint messages_key_check check ((key is null) = (bill_id is not null));
drop index messages_bill;
create unique index messages_card_key on messages (bill_id, recipient) where bill_id is not null;
alter table messages drop constraint messages_channel_ts_key;
create unique index messages_channel_ts_key on messages (channel, ts) where ts is not null;
