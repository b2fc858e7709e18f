/* parleyctl policy hash, explain, diff, simulate and drift: subcommands that read policies. */
#ifndef CTL_CTL_EXPLAIN_H
#define CTL_CTL_EXPLAIN_H

int ctl_explain_hash(int argc, char **argv);
int ctl_explain(int argc, char **argv);
int ctl_explain_diff(int argc, char **argv);
int ctl_explain_simulate(int argc, char **argv);
int ctl_explain_drift(int argc, char **argv);

#endif
