/* parleyctl policy generate and policy rego. */
#ifndef CTL_CTL_GENERATE_H
#define CTL_CTL_GENERATE_H

int ctl_generate(int argc, char **argv);
int ctl_generate_rego(int argc, char **argv);

#endif
