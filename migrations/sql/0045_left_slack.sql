-- When Slack said that somebody has left the workspace; null again once they are back.
alter table users add column left_slack_at timestamptz;
