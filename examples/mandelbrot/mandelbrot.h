void count_points(int *counts, long width, double y, int limit);
