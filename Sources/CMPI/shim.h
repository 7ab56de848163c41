#pragma once
#include <mpi.h>

// Constants of MPI are casts of addresses, which Swift does not import.
static inline MPI_Comm cmpi_world(void) { return MPI_COMM_WORLD; }
static inline MPI_Datatype cmpi_int(void) { return MPI_INT; }
static inline MPI_Datatype cmpi_float(void) { return MPI_FLOAT; }
static inline void *cmpi_in_place(void) { return MPI_IN_PLACE; }
static inline MPI_Status *cmpi_no_status(void) { return MPI_STATUS_IGNORE; }
