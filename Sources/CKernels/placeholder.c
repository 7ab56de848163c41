#include "ckernels.h"
typedef int ck_placeholder;
