"""How people write digits: a file a digit, with a few designs each that have free parameters.

Every design is a function of `u`, which draws a uniform number: u() from 0 to 1, u(low, high) between. It
returns control points (x, y) or (x, y, CORNER), a list a stroke, in a box about 0.6 wide and 1 high, y down.
The styles are those of school copybooks and everyday writing around the world (slashed zeros, continental 1s
and 7s, one- and two-stroke 4s and 5s, ...); rare ones are drawn more often than they are met, because common
ones are what MNIST is full of.
"""
