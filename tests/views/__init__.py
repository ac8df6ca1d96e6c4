"""Every drawing over every kind of fact, judged as strictly as Slack judges."""
