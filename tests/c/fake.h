/* A server that tells one lie and is honest afterwards. The value it holds for every key is
   "true KEY"; a number is 42. */
#ifndef FAKE_H
#define FAKE_H

#include <stdbool.h>
#include <stddef.h>

/* Starts the fake on a free loopback port; it runs until the program ends. */
void fake_start(char *address, size_t size);

/* After `skip` requests one is answered with `reply`, which lives until then; those after it are
   answered honestly. What stands for more than itself in a reply:
     %h  the honest reply
     %w  a wait for fake_go_on
     %d  the rest comes byte after byte
     %e  what stands before it, again and again until the client closes
     %c  the end of the connection */
void fake_tell(size_t skip, const char *reply);

/* Waits until the lie has been begun: its request has been sent, but may lie unread. */
bool fake_has_told(void);

/* Ends the wait of a lie and returns when all of it has been sent. */
void fake_go_on(void);

#endif
