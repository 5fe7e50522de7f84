// Nothing: the object whose precompiled headers the tests share.
