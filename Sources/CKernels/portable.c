// No more than the baseline of the processor: the compiler's choice of registers, and fma from the
// C library where the processor has none.

#include "tables.h"

#include "families/all.h"

const ck_table ck_table_portable = CK_TABLE_OF("portable", bf16, s8);
