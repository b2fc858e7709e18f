/* parleyctl fetch-certs: AMD's certificates and revocation list for a report. */
#ifndef CTL_CTL_FETCH_H
#define CTL_CTL_FETCH_H

/* argv[0..argc) are the words behind "fetch-certs". Gives the exit status. */
int ctl_fetch(int argc, char **argv);

#endif
