/* Processor time of an operation, for the programs of the bench. */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stdio.h>
#include <time.h>

static inline double cpu_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Repeats op(arg) for half a second of processor time after a warm-up and prints "name seconds-per-call". */
static inline void measure(const char *name, void (*op)(void *), void *arg)
{
	unsigned long n = 0, step = 1;
	double start = cpu_now(), spent;

	while (cpu_now() - start < 0.1) {
		op(arg);
		n++;
	}
	step = n / 10 + 1;
	n = 0;
	start = cpu_now();
	do {
		for (unsigned long i = 0; i < step; i++)
			op(arg);
		n += step;
		spent = cpu_now() - start;
	} while (spent < 0.5);
	printf("%s %.3e\n", name, spent / (double)n);
}

#endif
