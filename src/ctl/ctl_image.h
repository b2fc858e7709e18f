/* parleyctl image: a container image from files. */
#ifndef CTL_CTL_IMAGE_H
#define CTL_CTL_IMAGE_H

int ctl_image(int argc, char **argv);

#endif
