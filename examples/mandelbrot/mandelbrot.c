#include "mandelbrot.h"

void count_points(int *counts, long width, double y, int limit) {
  for (long place = 0; place < width; place++) {
    double x = -2.0 + 3.0 * (double)place / (double)width;
    double real = 0.0, imaginary = 0.0;
    int count = 0;
    while (count < limit && real * real + imaginary * imaginary <= 4.0) {
      double next_real = real * real - imaginary * imaginary + x;
      imaginary = 2.0 * real * imaginary + y;
      real = next_real;
      count++;
    }
    counts[place] = count;
  }
}
