"""What a caption must not do to earn its reward: penalties beside GRC and QIR."""
