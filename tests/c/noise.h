/* How late the machine runs what is due: to be taken off before a program is blamed for it. */
#ifndef NOISE_H
#define NOISE_H

/* Starts a thread that does nothing but sleep, until the program ends. */
void noise_start(void);

/* By how many seconds that thread, in the time between, was at most woken too late. */
double noise_between(double start, double end);

#endif
