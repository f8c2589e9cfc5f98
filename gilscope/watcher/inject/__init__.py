"""In front of the path of a program that `gilscope watch` runs."""
