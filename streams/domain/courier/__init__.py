"""Where a courier will be when: what positions and a route say of every stop still to come.

`spread` is a time of which a mean and a variance are known, `knowledge` what was learnt of a
carrier's legs and stays, `route` the doors in order, `progress` how far the courier is along
them, `expecting` the arrival at each as a distribution, `telling` which of it is news, and
`following` all of that for one courier.
"""
