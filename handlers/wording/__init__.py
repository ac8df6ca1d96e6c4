"""Words that every medium shares: names, money, states, sentences about bills."""
