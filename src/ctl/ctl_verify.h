/* parleyctl verify: is evidence genuine, and acceptable. */
#ifndef CTL_CTL_VERIFY_H
#define CTL_CTL_VERIFY_H

/* argv[0..argc) are the words behind "verify". Gives the exit status. */
int ctl_verify(int argc, char **argv);

#endif
