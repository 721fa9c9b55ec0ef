"""The exchange of the squirrels, which is unlike the others and is nowhere but in these tests.

- A change of a book stands for a range of numbers, `from` .. `to`, and comes each 300 ms.
- A book begins over REST, where its number lies in the middle of a range.
- Markets are called by the tree that they are held in, which only the list of markets tells.
- It hangs up on who does not say `{"ping": n}` every few seconds.
"""
