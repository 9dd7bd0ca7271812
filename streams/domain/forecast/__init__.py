"""When will it be handed over: learnt from every handover, one label at a time.

`moment` is what is known of an order when it is asked about, `features` makes numbers of it,
`predictor` makes a distribution of those, `learner` holds them together. Same labels in the
same order give the same model, bit for bit: no clock, no chance, no threads.
"""
