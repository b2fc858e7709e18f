/* parleyctl release-policy explain: why a key release is refused. */
#ifndef CTL_CTL_RELEASE_H
#define CTL_CTL_RELEASE_H

/* argv[0..argc) are the words behind "release-policy". Gives the exit status. */
int ctl_release(int argc, char **argv);

#endif
