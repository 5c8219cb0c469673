/* How late the machine runs what is due: to be taken off before a program is blamed for it. */
#ifndef NOISE_H
#define NOISE_H

/* Starts a thread for each processor that does nothing but sleep, until the program ends. */
void noise_start(void);

/* How many seconds these threads have lost in the time between, by being woken too late. Waits for
   their next waking. */
double noise_between(double start, double end);

#endif
