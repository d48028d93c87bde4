A VM is brought back, and its guest crashes as it boots. It is started once more on the same host, as its cluster allows.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web on h1

at 10s: fault host-power-loss h1
5s after web has started once: fault guest-crash web
run until quiet
expect web runs on h2 with a newer epoch; alarm host-dead on h1; no other alarm; incident of h1 closed
