-- In whose name a document's letter is, each time it is mailed; without one, in the name of that day.
alter table documents add column sender text;
