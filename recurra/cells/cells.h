/// The structs that cell_list.inc names.
#pragma once

#include "recurra/cells/lstm/lstm.h"
#include "recurra/cells/vanilla/vanilla.h"
