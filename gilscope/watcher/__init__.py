"""Who holds the GIL in a running program? `gilscope.watch()`.

The package does not have the function's name: importing a module of a package `watch`
would put the package in the place of the function `gilscope.watch`.
"""
