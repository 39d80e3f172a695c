"""How people write digits: one file per digit, with a few parametric designs each.

A design is a function of `u`, which draws uniform numbers: u() from 0 to 1, u(low, high) between. It returns
control points (x, y) or (x, y, CORNER), one list per stroke, in a box about 0.6 wide and 1 high, y down. The
styles are those of school copybooks and everyday writing around the world (slashed zeros, continental 1s and
7s, one- and two-stroke 4s and 5s, ...). Rare styles are over-represented: MNIST is full of common ones.
"""
