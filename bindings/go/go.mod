module consistentmemcached

go 1.22
