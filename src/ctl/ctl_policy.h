/* parleyctl policy ...: policies and what they are computed from. */
#ifndef CTL_CTL_POLICY_H
#define CTL_CTL_POLICY_H

/* argv[0] is "policy". Returns the exit status. */
int ctl_policy(int argc, char **argv);

#endif
