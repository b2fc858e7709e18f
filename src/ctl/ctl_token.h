/* parleyctl token: the operator's token and what the settings hold of it. */
#ifndef CTL_CTL_TOKEN_H
#define CTL_CTL_TOKEN_H

/* argv: the words after "token". Returns the exit status. */
int ctl_token(int argc, char **argv);

#endif
