/* Layers given on the command line. */
#ifndef CTL_CTL_LAYER_H
#define CTL_CTL_LAYER_H

#include "policy/layer.h"

/* Measures the tar at path: 0, or the exit status after a complaint that names the file and the reason. */
int ctl_layer_measure(const char *path, const struct ext4_sink *extra, struct layer_info *info);
/* parleyctl policy layer ... */
int ctl_layer(int argc, char **argv);

#endif
