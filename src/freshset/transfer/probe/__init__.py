"""The probe: multinomial logistic regression over a whole path of L2 penalties."""
