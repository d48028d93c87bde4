A guest stands still for twenty seconds and goes on by itself: that is shorter than a hang has to last, nothing is done.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web on h1: faultProcess reboot

at 10s: fault guest-hang web for 20s
run until 180s
expect web untouched; nothing restarted; incident of web none; no alarm
