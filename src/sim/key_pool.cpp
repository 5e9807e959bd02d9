#include "sim/key_pool.h"

#include <array>
#include <string>
#include <string_view>

namespace sendoff::sim {

namespace {

// PKCS#8, base64. Worthless by being here.
constexpr std::array<std::string_view, kSigningKeys + kDecryptionKeys> kPool = {
    // 0
    "MIICdwIBADANBgkqhkiG9w0BAQEFAASCAmEwggJdAgEAAoGBAMEDebzU0h20CaoHaUUNEtobVvbROkstXTb5McX41K"
    "ajHe2jKkIFsMA7cYrH4yg7iQ7JJoSJYQjSQRYKao8jjCG5XJJKK601sBk9BG/SpJcYqepSzDzvcYVANeZZNiZUZjcl"
    "02j0V7Dt0TGhG63wyeS9oeSPoEIG1QASUjBVw0kDAgMBAAECgYEAm00smt+y4OuICyNDdKf8TzpIUvguq2ao5h7ECc"
    "MZd6sv3ZG34r+pZENwLHaBNFITCa6YK3ROe0aR0CY5b0ru6J3jc20LvR4+4uhCUPjRDqhAl/U14ZO62/a1y24NSE1j"
    "kUvYTWpFXPVmTVlf5gSu0XMLQQWSDPVm7DALwXcpBCECQQDkE1KkpFT2ff48ct/lgXJqiCL6Xf2l5aZI0+k5NJ5nBY"
    "7p0L4L/ruX/UgzaoXV46bgKAMYe3u0iNu1V1Bnd7AXAkEA2KUw4sK8nSAKTlrfWqGBQ22vtC0fOAJKCOjXzXPbufnq"
    "+u4E5uWiCLMFr0OFLWHVOg/uPTO3CppueI4fDDU19QJAfV0dpP/q754re6CM7wLrGCGCUGoPfPuxHgDVBiulEe2dM2"
    "oYvFElXhLLd++KZxn95OI5aWCei4pacd/vgx/nuwJBAMFtE62SMraS0cDNj5eqlO+v8e0LUFFAcftscKjF5YsxYKQz"
    "ePryUW408EFgJnqzW54gdRP9pVJ5OWK3eW773zUCQFOjOPeP2rHg9WcYS1c5di1Jgoi3BCCvuClQF3vqyWnkmiIO6K"
    "KIMtNzZ7BLVZQv7Sd5Wq9EmlszUeMp5ne+vQk=",
    // 1
    "MIICdgIBADANBgkqhkiG9w0BAQEFAASCAmAwggJcAgEAAoGBAMlrOivM8p9g8os0YXICyAcMHtUfD4TCHLsjMRvc8f"
    "NmeGKjGFn9X4oSc5kU6iRIeJtK6xkAdUbQ4gQ5DOvmIW3CI4vxKScXlpOITTlO2wl1jR6y3rMa0YdtwDa6hEuNghAs"
    "XDzw2AZmxfUZnyhQBfjJBt/l9yjPQv50YRs8V7KRAgMBAAECgYBbV+Z8oKhTQSsdmDas9rfyAjwlWL237jQLZi1KPo"
    "v3XzwvN1m+zdo7Cp0kCkkZBUi03Gf74apN4ELvuVOz05zKlD+mcHLSna1XQhb1B6vLWO+ZBXIHa+vLyJdDhI2JZXu8"
    "3W4mdxAKiml7CCPyoZzUi9l4DCgchL9U6zoiuIurQQJBAPZnBBC7jx3QzTkCheWFWemY1KA4UKSRNF1oNhwH1jI3GJ"
    "AukSc0Hn2IUJo4fK2F1C32py8m6mLpkDYbpET3F7kCQQDRQ6k8VMuF1gddAtroQ4uw93fTunR/ty8QoKoZQvs8MEVs"
    "JCDVdk9Ni0n02qTMqwCJD6donFVcrsrtehFC9y2ZAkA2YnxqOQuYmBqDx8PH6gvzXDEp/+QEvqvhJfwzaaNkR/ba8/"
    "xDu+Qy7uBjea5DGnO/hV5XMO6w0D5tQuKZ+jO5AkB9P4r2MiZSJ2Tm1YOiCnN8atFMZ0e8/S3tPMwyLHXkc1vJuuHw"
    "AUy7s8eDBq4mVZ8PadAf+5nXzEJm2m2kb/7ZAkEAxXshayfgqZxgXjer11tViQ7yNSyWf6m7Lf1QkGUJUoT2qMag20"
    "bk9qrWC4numFhWuWog9mBhwkQAyEX4l31JXQ==",
    // 2
    "MIICdwIBADANBgkqhkiG9w0BAQEFAASCAmEwggJdAgEAAoGBANiaBsF0A22X0MeukwkJp/PdlR6rHT0ZGb1SJE7Pt9"
    "UAJ28FH5AIGjG5/WcLajwZ5rJjJ3F2XGABMroLedt9VykDSdLzD+zxoJtxYeObseVfFPJ5k0A8ubqkN8qHrVn7GTJg"
    "9lzbbuiPdPHsSbcYv5tPwdaEyXLLIyfUR97cNxJdAgMBAAECgYAEWkwKdS9gc22RpbN0ugny/5/whtXGlYuL32u1Xb"
    "0+/YrNU1gIB/Gm0CsEeBlBbe/R4+Y2BH/kugFv9a0UOReYRO7Li01Wiup2AyHxrBhB0ZSGNWS1ORLk1tOF/qkmg8sc"
    "0yLju6KeyoVFifTpQqEzw725A5S6BYw6bTDQmtx7rQJBAOvGPuXLYquEpoo20uOjKu4b6z0J/HjLsQvD3vy9Yc2eoH"
    "xahpByrMVJ0/z3dVfZ3KS5oQgH3vSNzkyvSIQR7sMCQQDrLrxFE/ma29Mo4Ke+3+Y1bOumfXtmmqo1cTvJTjXOsXWo"
    "y3xjBRebgTdaugOkCgR2QpIl6w7UAgOIIdwwqyhfAkEAiG1kQ8/WPm05eMyUZwgpdTJOgjlfD/69aZNjWlezWimpr4"
    "sqRjc05cv8kGoYSkdUNzT6iw0S4+uSLilXCqTdxQJBALWbBjjVXuZtH1aue/oRzSOuMx4CQbsObacNBFzDbxtnv3KT"
    "hz6zXPJwynzdrRgLwDxN1atAItglofKKKwzN7kMCQApO+jwEVYwe+q7wKv2c4FIzdX5mQw12f34siwFZ49/WAzha9x"
    "r7eronghQsL1LPTFkUw1Fy4s0WCQp0oslNb/I=",
    // 3
    "MIICdQIBADANBgkqhkiG9w0BAQEFAASCAl8wggJbAgEAAoGBAPFs5BIpXsuE/oPWX1CjOBbJMYMaf9IWsCMm1ArjOl"
    "dfdz+bSvTql0Gyy8pgEaQmGIH1VqXaN752LCnn7q4OoSA9HgWKL94zjJli49X32RD4RRoQpHnzH7fW2ibxMnNvNQqd"
    "r+qi6gKM+b1klEzrDeTOShlQuaJITNy0F2gHFAKrAgMBAAECgYBztU6x7aYDQOCC61GPYkrVkOPsA91TIZCVqFxkQ3"
    "eIvLZ4g8MvEugfksPdYKHT3HZOgvleT/H7lMOh6gkY3uYVkR9LHei/+xv5kZm5i4V2VtP4XEcCywk7yu6su54gL0aB"
    "ueOnS3UP6xiRJBNVyy+Gc/JfjfFYja6X/tnUkTMBwQJBAPzDMN0qcl0Hn3JGSHG5gbmdceWtaPB6zx1mQcazJkOs7p"
    "ZSgyZjtmphVPMtoGBEoSXpz+43khprXPgJ7ouXGbECQQD0hIaNyllWhyey8KCaCMnwzQ6VBYQsW2c3HBpq4J4GjnE2"
    "UML9FYTgQ7VcKFd/eqqAjBLwO+KkuAAbGj4bf10bAkAMEl5xEafonYaV9JldJRj2/ngEGiYa5iKiKtIVZVT8gnPaph"
    "IxcS2zIvblrlYsgtqXbvVJUUofDOWhywejjxHhAkAahgmmdc2tEiofQfTZ4JwvL78mMRv+R8fxdW30K/tYULk9IBOW"
    "qm/od8/DeGjNXjwCh69COezC22a/ieA00WMDAkAgKyDfMIbjbnLl6wISmcIiabbfECvqcHgTRPWlXUpGCk3/44U6ix"
    "5ilRStMeZ1IrFgP/+cawVRHxnbN32a9uzG",
    // 4
    "MIICdwIBADANBgkqhkiG9w0BAQEFAASCAmEwggJdAgEAAoGBAMjqaXScLwtUH+R42Urg7UiAl8o2Zq6ZtTKLYA7z/Q"
    "QlgHEESP1jAc7H0swNIH4wnLoFty7+ryVC871MXpW7+WXLiEp/Z7kb2NyFwg7TQYf1Y8tnI/uUuS+7PlHbFJw91XlS"
    "80QzMTYKeSOWHcgq5ylu4PYC1ITQlYgI8e67q4adAgMBAAECgYEAnyoErNpl8mWMdmS+TzFtCLjGhu0d30fpYcdEK9"
    "RiJnzHCcFJSWK7teJbPkdP7Gf6YOvSOKqOechWayoq7Bfj87cj+JNAXGMMPqmd33xDJJ5SDUHD3PhDAL5yDHWnCAdk"
    "+gbclOF9jCAfJllARAXU/OtfMs7g0DuyaYdgUwTMUskCQQDn50kKWYMdKGxj8OfWbBUsrdP8hwbR7biG9jEDxPql9O"
    "RXwSExF6Gi8EH98L07lTExD7EaPeFjAnB7dsUT/g7PAkEA3crXJ4Sm2urt4R8flLDqkSME8BDoCehdhu3FWHtwQMiZ"
    "5KYkKWMIFXgaqYKCASy88Pbwo9CUjdbByVUfyaoO0wJAAll9i/VMNsdqEbknIC0IKeO4+h4EG6xk6jkkVf1w7K2Ggr"
    "0aMP0kThpRENmXkTr5vJ2EFdf6qJ4ltZqGdKVmUQJBANIrv9yD2HWEv+xfSNbnGzBzhd9Ttf6FgfM1Z5ekSUgqj6Jb"
    "SdMqM+PcTy+oKzefxF93MauaINuT0UjO8HNyQd8CQDx1qwkzjHj6Nd0c+GjRHeXGj8VDRCD0YQIa7s48kmFlr8/Nfs"
    "8gSOwKgwJZ7BHJ0MNAleqB5s2UGgLDTNDF4L0=",
    // 5
    "MIICdwIBADANBgkqhkiG9w0BAQEFAASCAmEwggJdAgEAAoGBANT4oc+Wu3eHY3iv9YWCsyK5KNwKEG1BwaPmDaW9wJ"
    "DaIjZJqljLH7Hd7rarv8tIWtaPDrJHr+wzzqGsRMPduP0Guy63JkJLjFjC9KXTMOl4uG/a7qxoecWM5H4g05FkSzJ5"
    "/0j8/JAphRZL2Y350otNcdoyZmFpM7bqCOlRPqUnAgMBAAECgYEAn8moBgtuviCrhjpm+PP2GWBZArbeWksS0TjjFm"
    "6HE2dGcfrVP2evcRE1cILuFMRFu2N8QFC+8nZwWybYNSifCIGfAC88vIrXnsNZGDfT6KlBbrRsq/zOQ6mhvf47gyUl"
    "NQjHRSEDtnayzn0XmtFc7g+77cHwpM5sDCACirG2DqkCQQD5vsBa5GqMY2vSOFKXGvT2aRm+Sb+KbHM8CnZTwAnxxc"
    "VdwMk93nsHZiqXybLG6Ibidpl4UzSfr4HseEZZQDszAkEA2k4aiZF20/qmC8srrW/m9MPioZiZialWQJnD/nyh4FzA"
    "5U4yUREvGwCZHwklUPS2yxxrdLAsQXsyfGcyIX1OPQJBAI6WOqpqKO74QHHoWDcPW/ZncRw0bNgyLOSFsKMGTGcuHA"
    "336K2bHTDPQtggfyKTVZdsURjioHPfN1V0Ie4I/wMCQEbIwG4OzprZUPHOBPGNsTN4OInxMweh8qertBNWUh6vtJQl"
    "kMccbUuyG/QmQQVI8+RT6LvDS/ZHfg08YNLfEHkCQBabKEe2MUjCQ7XXywfZe1xxmERHFE6vFRTtW2UjcntYDbre9z"
    "oxgQ6K9ENNwLFdbUuCGHKwQm3gCDiIImHW93w=",
    // 6
    "MIICdgIBADANBgkqhkiG9w0BAQEFAASCAmAwggJcAgEAAoGBALxAbNra6C8yYu2UxbzC3MX4CoGPUWg3o3k+79vBBL"
    "oP5W/900C+kyRknIfI/kLPiNj0R0SgJj5NRzlRREJR79700NH9RgkivJR/po6mO1vw7qJjc01Ogqptdv28tHETZq8K"
    "yu81ksYy2f2LL6haFdNO7aN8MjODOD/1tc/umRGhAgMBAAECgYALUry5dU1d+WPl8nrqXbY12jOXk21MHXyhwF1hFH"
    "0aS/Z7BAN+83eaSsr3h+lzT1Rl6FuZDyD9wlw0YGUAsDkDT6cFFGKit0j69sE3ze/YqYHKOyBo863QfDl0g+iAAIec"
    "9WCzwsNLkd6uyyoAL9ejAsQz1bj1kg0xNXRV/k+z+QJBAO/qkM0MgrDvF/lxPNdpJ/gn9BbnK4EtXHQ5Ugnyrm470y"
    "/JJ5raWBvCW3sXo5ddHogA4LnToAHaLTeKnZI9k2sCQQDI3zGC2VcK0y9kCYM361yJkQ5aZz12Ibrxc6d0FlH4MBZe"
    "V0yCflnAtBlvgafnfWyJJseR3xOicCzOsYgr7j4jAkBrxQNciHUgg5ZSX5KD9OGWcGQN8bOyKC0yrBj1DQVb0RXRjl"
    "tzDQetGIY9aeX7dUHkt/g6oRxsGJRdMbAMZAqXAkEAvszar6qYdkzRKBmtDXG/7V/enVqRU+OIOg8cUTVeWPv8U1Ji"
    "91TjFhs8SeGDRmypqsEuMc4OTW518UNK0Ee1twJAUweHaQf6eJEf+izW1KHl1pe/YdE2LuAmJDhgH5/grGmXVRkYuh"
    "RLsIGkrohFa/KfEnYS2kJZOC0tnsG/W5L3sg==",
    // 7
    "MIICdwIBADANBgkqhkiG9w0BAQEFAASCAmEwggJdAgEAAoGBAM8aGGORZfdxt+W1R4Kn58rnlwL9eluIV6VKyn4yZ+"
    "lmEbnMHxyCC2xJ0Lsnv6/v3DegNXsLZjNXgB4Zz2Bb+VZll+ZxYfbpqm7GN2x9wZs54VZQ3QvWg45dvP0MsfjuRGnv"
    "4QM0X7ijRekva908io/kjtmB6pHHu7GFlt1ZVB5hAgMBAAECgYA9xR+/Gs/Z5N4fslj43FGjUD3XU3kaMelKUKtixm"
    "/9ykbBLuOcoiD8FGwgVjOzKwx4vt0UrQq3h4Kb98DFkckk9Uywear1mY77kBH7Qfm/Xhsrib9Ckc9LgrkjR9SlGC+q"
    "FrZA8W0WxwY1N1Q1u8ZCBZuHPBjUpXmJ5xbYTA8RrQJBAO3sSV9xbVM3yFPbIRkrAMTT09pV6TQp3mGd5wFd4yCab5"
    "r3QOW+2QPN8FtwnpNlKDD+p9Ic07BCyUQrSPko0L8CQQDe1lMb0mYJYFbo/u/3Qep+IoIY7chYVHUq6EAcbwNJdOFn"
    "Y1OXpEoBZHRwsLKoaa43Kgd+iIRe7NVwx+6Zg7jfAkEAuaKIxR09DZcSiMsKkhaJbQlR3KL3Z6nbRxLqsJhOpJuaxL"
    "ByRE+aB2vhQ5clQx/EMiYfTsMLMBWL79JOB4mfBQJAHXZm7KHH3et/8jRq091CPMUhQFyIBa29BBxLBbdjzt2GQ94t"
    "GjqdkkuO3atvI7c9UovbC87O+aIEonG8yU1SLwJBAOsq3wf7nvJ7pAzG6bjPBPF7UIh+YnWdCIKhho6Fu3AAyVn3mV"
    "cIy3iTNrM97gdBgoPkZAFhwacSwajvEuBG80I=",
    // 8
    "MIICeAIBADANBgkqhkiG9w0BAQEFAASCAmIwggJeAgEAAoGBAMXraIGqht3DnkjRwz9KPlIYEEq6a0W6LgyTfCbu9e"
    "VW4DRpBUnsjD7S5FLrIQn9V1UfuDA1xk/J5/fZ9mTOVkfTg+zWhgmEbjD43LRCWzSSE6Xth1KSji7p/gCcr55IFJ8d"
    "ny6+GWzx3n4ZLRDQ7MKcbjqdjWYjTODX4l0MB7cBAgMBAAECgYATDxtOOUSpgFfyvThnFNgxgZ24BIGmAkrC7UTsXu"
    "CRCC+o/GAFAWFz/0z7aycQVjQdv2M2SUdikZfj9zpR9Mi8EEMBiZy7aXfUpoNTmSeDI+tuHRHC2GI9sIc/24RSqv+w"
    "TiF3mENMhmzI/zyzwFD3Rng5r8IQ8j5az6YqwlxjUQJBAP7t8GDd5pP/Z5c0d0nyVyXN8c3UkkoboIuflbu9KcWmwj"
    "B0bmN81nSyBw++O8j5Lv7WaIrGH73aL7FtOuCvq6UCQQDGwC5UDwvuZQvkhJPrlj6ED21w30DdhFxcyg8XdTnsAMYY"
    "ntD/BbKxNHBiKKggOGPQPL90geG+g7oImm+Vsm8tAkEAzG9rsYLCAjVzkWJVt0tMb9iz7OhnWF7HZLDZlvCfqw2L9O"
    "eqDsZyBKsv1oQr1YNfGKZAt+kiU1HBpXt/F+hIsQJBAMKC1RRpQWkHtXLpGYdIHFjMbHQ52laxMl+RVOHFVXGWdEkm"
    "LS5Y2kA5LP+0AI7AAVeMDGeusUrtykSfODOOVOUCQQCVbihjARlyO6pxxvbbpLedtW4IFsBVyjYfFaLeYe+p0aV59T"
    "h08pC35xydp5FwED9f+7Z6clWsX3ydvxBAggth",
    // 9
    "MIICdgIBADANBgkqhkiG9w0BAQEFAASCAmAwggJcAgEAAoGBALAcg7Uin+syzO2lQsDQDy25sWF5eB8zsmFr/hvh3k"
    "Ty4Lt9MN0fixyB6UXnMLy+3KaXRerBtcUvgHtDsTKKxBZtn22xoJgvcpwAaTixQGeEwtjYiPS1FdvShRWnaT+hTBl1"
    "GnBooLSa4RcLx5W7Mqn5lfkiFHr7/r9uG5ZjkQxxAgMBAAECgYA/BTUscIOBiuBCekz06n9EAZs0Il+V6s3+hsKb/6"
    "umSLOa5CXEOzFwthxf42dRY4taIe/nHgKJ2YHEmmiiiX25YMj4C6VRDTRI6vGTjRyI+8h0qAPqcAZWazY0u0JVIKOC"
    "p9VWJUYVAf+B4vTiyIvtqdAmiapifJUgQVZwnM2gAQJBAN5Q0E/JP+6rsUwi9LeQv+ivYAPjujeHF/FNfSsxIGjUY/"
    "/8fFy3c/LgQtnC2KIW0mA7ybVbOahFMCNaiiHiToECQQDKy4cFCoLMLjOssYUXmEWUz+tmIGB6fiVze8yELR1Pg9ri"
    "aD9LTuuZPUK5kFslFi95lslc6Ed+sbDuBthC7KXxAkBuqg232bcgaIj+HFxyz/QnsLz70q1MnMvXSzpmeLLoW+lXcO"
    "i7AnsOSIIegfZyYSfhzYEv7LQ7xg0bXCNskImBAkAWzJr5bh0WZ3tXxv13kZ8BA/8rFCjEnLoJKbnsgkXxUpmhKqcz"
    "CERkjgaaZihZGw1rVhB9aX/gNon1uL9HhuOBAkEAyG8+xDs0qIr//HZN4lRKEzKkn3B9vN00rTrAMNzzTYQb/3Av+/"
    "EKkrJpMWYZF7QpYkohP1YbYMWn/GDAajdt1Q==",
    // 10
    "MIICdQIBADANBgkqhkiG9w0BAQEFAASCAl8wggJbAgEAAoGBAJyJ25hFgSenpEXxxOJMTCoDSXar5hC0emvMWBZYTU"
    "uj1pz5/cI8I41X+hG9Cs0DG3AKUKL6UVWbag6o2BWZwrfFJhQYz3lrG6TBukMvR2O4yaM53V/WzEEIv/5D81Hvwg6G"
    "CXATMajZsR+fhP4A1GmPyxlKb1CKIajhAyhy0jEtAgMBAAECgYAEz3++GDS14UL9G0bvpWSZzewOB45UaRdyBJ+YYD"
    "JP5sMLo+sWcv6ss01uCh8w2a2YLdj4iTTCqroBpVKup0EClG9JGt4171OlmiBNXv6wKILQ15v8uzIuv9Wc2/tlHThy"
    "yYJgGQLsa+V+IqgUm/cGpapdBW+bKtvvoez01BPRwQJBAM4oij/OD8g9LN2ym1EmTsBwoOaO2kCFU9ykgA4dptDrtq"
    "8/C/aS9Wo3YfUpRrc80dIRAnLhSIYgR9NpHrPuqUUCQQDCYkSuIRaQnkllscsKGhJGhhab6Ik/+uvmJpcs55QpkfTz"
    "4M/6rcWilbN6SH0QsXIHUojCHtw7B+0lbG/PlcLJAkAf61D0bhAtfaNLtBKuLtM0onuXFvkd0kbYu7OD+/1PDZ/cZF"
    "OS2tAaoPaOwdRMHKOT9cQ+SzkyYx8b0YPKciJNAkAlTDO/cavhve15bN73pj8BdzMZYUoMk7n15Eu3mwvL2iy1Ktrd"
    "T8CPTMguW4Bb1qB5lTWWgdNiJEg1mRPvMd45AkAo9DfMlbfL/8HkxnfrOm/0X1+6QsGmwPk/0U+Q6157iBP2WJeAKl"
    "cDhqsExO5QfJTGich8giY6pmBUFwkhtSAV",
    // 11
    "MIICdgIBADANBgkqhkiG9w0BAQEFAASCAmAwggJcAgEAAoGBANLDF5669cZ19f12wzgbtCxGVmeKUHEc2b+EmmQ8Uy"
    "NgIpsiZJT6DHc/2pUKlLnOwL5VmVypIMmcnLSl/VHGrq7ex31odKC25f9O9v0msn8QN4PlsBggvwRBM9lyT/zrKfEb"
    "srLbEFyFEAYT2ZVEHwmeDzs4dwoBcst+ATcLw/AtAgMBAAECgYAoqYMRGLj6RR/ketlHJfEo6ZkZ+NF0QUCxdn/i/t"
    "B7bry+eXA2Xdex2hvtzVDMWFtPXWxtOCQfQZvqLmwlLtPchzdTjEiD2Dm9ZDwlHfZMDIpqyv/e2y/Zsht/fzkfjJiV"
    "W8HtfoOWgRbJRR3iUPz0bViVcuNv8epmmWvV4sVSgQJBAPoHUDAy1tbv2PJ3rBtoaq4lzuIxsfdg86aQT2njRpNqmH"
    "dxtoCCghVNvw5hXkVH1/G1v4SY7IME3q+dX5lWtqkCQQDXy7Oqh0XZ2vyIMv/aORzUSrxGF5bF3E5GywdDxo0/Xh9L"
    "v935gn6VZEji0wNEgRN/3gCc7iycbZc03ss/BBPlAkEA1a6uX6LzbZpqZT7Vvk7M7ayuVS53lJ4tXerzk+GDjbWKPH"
    "rYqJfhKOfbIyUf9kHiUlcsKNyxNYBR+PCcpWYwkQJAVOw+PWrUy2JJpVPkqj11ofnzU+YumJkVWPjHWB3IMlrZGBde"
    "xLVdGW+I23LNQ2VEhjqYpSl59umN6umOtLLnHQJABhGAd0FIh+8Vqp+8WYVgdvV3hJk0/GfZ9muiCaUVve9Cjvx11D"
    "whhjRKe7N7kv0rE3mmIaJtO4SWFj+HsrZSUQ==",
    // 12
    "MIICdwIBADANBgkqhkiG9w0BAQEFAASCAmEwggJdAgEAAoGBAMiRr9SmXnfMJ4Ve63L4PyZ5HkE27l8P8+tIVrdR9Y"
    "4jzPjxBufnp2P+/B2o8lIgGMovqemcybHUgQYZvnJS/DzA2H+GAKXUFn1UuNPlEQKuwaIAP47+5EV3THMeyuhto/xq"
    "tGSr6DbV6kUZvXTnRwBN9/oBHy1NRKVsOahENcOLAgMBAAECgYEAuayU9+lkPsbSN1ed4/sIixdI+NpfZcWg60k2bd"
    "MD3agq0rJe0ETV425j+xkx6vEnwdTKGSg6V9P/9aPTeIZ2VivL6fhhS/jIvD77uu/OibrQ1Xm6xetEReM9c55izNY7"
    "6IpKlZ9bAJihAX/JZTpriLHPgo+xlkumdyxYXCxZX0ECQQDse0eqniCpAVGOuqxJiAYXOQPsKh2YswDXIzjXpodWQy"
    "LdR4Fc0AHfmhblxbzMLlJa/ixwM3LwwIb4uc/PHbHxAkEA2R+YzdfbHJklSxpO0UtboJhJpJXajwDMJrEEfN8/3Ltd"
    "QrWTALWnwsCDRAgrzn/8eCCC9ZtnmjYLnsBx05jROwJAX5me6Uyvq2MLE4ZHrBo/TBgSi+Ciwl5rEo38psF9qNPPPm"
    "Fv3JOCjmB+rTj5EBoR1RM358wExWsvpVGIvxQkIQJBAKZScQBF+UAIBKxqY7QqEO+NmOQuMvVWvAxrj6+EaOxSztca"
    "NpjVjsQ+Ko/D3qLaIfF3njo8qHlWK0KZ0tgveR8CQEjsvAJKJewqj6wn/POUUBh3wmHzmOqBm0ya2Y9XVcruFQEAtR"
    "x8N5gl8vzWOnV3+kOi3qszjWcU0BBUZ+Gnu4E=",
    // 13
    "MIICeQIBADANBgkqhkiG9w0BAQEFAASCAmMwggJfAgEAAoGBAK1V+4oQKIQ7tzD17qo+F+z/IiAAPQyJI3H2iRrHDU"
    "ohEHWDgZAGj2ddJue2aJ44N6oGMp3Jf4wdXGUdcw12tfMrlV1R6KhGiwfv/r2Z2HzeKQE2qvPgreXhEnzYeN5nuvqc"
    "xsE19GCNP9klLGLEYS6ZCIQ5XwDzhXLaYQURWqx/AgMBAAECgYEAi2hc7zSBsaBpfKo/cpKQIZ8s7fnjH8LoTA8RRA"
    "UVriobl7fVq2VrTqG/2Zp+V8o1Erz7VqYpvCIdHoHp98kjGgZuO0lJL7AEiDB6hw+ueBk+MpxvuwKX7PK33q+aypbu"
    "WFoxweTAD4qB99uC46qvS6Zd44qjGKrHL1hk/sUBw6ECQQDWPzx6T5x2huYHw7O4+uRcANBW3BLKGeNlZZYMGPMV34"
    "b5dNTVEVWLRolfKaD7PssTjmeIl9dbgOdmjYP4XTpvAkEAzx2xaKj8iWk1HHF1AAtGiSs6JxIz65hlzXwzLMkqlObO"
    "P+yGvw1EX8bWX8F5oSNoNbwKGww4ew6aSY4pg5D28QJBAM6T5KVuk8e5ZJ1B9s26pGuNoVTPGBLkiVzgaaA6glCp2c"
    "Q4AWt8LkZ/eb9XLVB0CG1P1sZe2hjxnq1EcGYOxmMCQQCzBi97D9Z5z/6gf1FqoFRv7HVvoERQuIIGg/yYEapE2twc"
    "VQ6Dxav8PZq/WjUQG9LP36G8j2uispSaT8+CcaOBAkEAq8IOw+duiqnnCGfWvd4MEF0n5aJqn7vYoz+4duGr3kHPhm"
    "d7kU/TuD06gzmoBT1lBHEn/qNHNvAPV32q44LdEA==",
    // 14
    "MIICdgIBADANBgkqhkiG9w0BAQEFAASCAmAwggJcAgEAAoGBALxCCLHqLhyOZEO6L8c3lew6XfnNzzBUPRcID+mnmK"
    "MSRSku/hUTvJGLnKzzrJ65uqdbhtrmFtiIogXYk0+i1eiUn0CroUwDz57kWmH8zQicsreUk7tQh1H33Q5tMwy6FagX"
    "f6t+AkLPBmhZrHDHWvadbcKjEGx5VZMq56NskJeZAgMBAAECgYB+3PEHFAym6b3fdiSkV20Ml/ikUnEA3IOedaxjhL"
    "FzkuhQbH6ErZwxaKfYVQ1KmVaTWTZzZQKYQNsOnXgH/m+u+CmxGchIt0t/MDNYlFr53edh2jPJby8iVSwlV8mXTz5l"
    "KXmLzTKzvJcfWlFbhdqXFnLQmeelxlJPGSOnlNqTQQJBAN/CPBCvkQRA2vQ2pEOnzCRsARcBXjfK/jqUQWYlNibr5W"
    "l8hMS5B+XVQKDvROSMqFbRit7NPeuNodommEdYV50CQQDXYkkZw+xLd+mYJ/Tcq2EZXhAYrbnBS/sMzI3YYt4bBmYk"
    "2YBSrBFjaeRzJxlXa7ZOh2bsZX/bVrc2uRwRhaUtAkBcZWJUKYsiTH2dVmriHQnpCEgy7bewJjxwiAOxYDBKRiKHOo"
    "nAif8+4p47VlIGZialIwXLFsk42VU6NbGv1ETpAkBxhT4eNGOgy0z1g2nNvQ5qfmdhen9DYDar4kyI1mNWPyMrHPBD"
    "oqlvimp8PwleSElITply03R2ONhMIXiny5bpAkEA2/SZ1NdpkhQZqcpu84FkFqNnJ06gpZFOsWMVEwJ8ctvtwno1fm"
    "V+tB9MJUu5MucFgaJMNygJ0i+VyOC/nc0EtQ==",
    // 15
    "MIICdgIBADANBgkqhkiG9w0BAQEFAASCAmAwggJcAgEAAoGBANlSAFCazy//U9RC+0+vUCD+Mt+3JpHN7yKZeJsPkT"
    "0sh8ZTjWYr+iI9f2IFumGfPRRJvpVCi20HU8grzM5RqVenwjBz7QfNY6wpq/xL5LaTQCCQhpTNjaXyFngUha7oKMvg"
    "iuwvK8QS0UA3MSoWEW9l869cCwRb7RjF8vXfQ/L1AgMBAAECgYEA0UTiorwAycKAcgUyRfCXI75FNSMEFCGPpuzMs9"
    "zQymzILlYk8n9ktnYr5TOI4BrcUV4WFVtoMcx9hGORLBh9DPJV+BVVprQw8iTbqj/u96+gnLbzfcRT2cOQ7ivYZmvK"
    "zakFKBgqlKXe46G6kZCMR8qIqQnvyUa9uyVoiiTdnj0CQQDwpgjxWJpvmLymEx5PECeOuSjKj5AO7mdv+DUS4pLxw3"
    "Xh6zRq2dkTPZK7o6gsd1ZqLdcXAIXM/WsmsAOyEf9TAkEA5y7/v05og/Yk0BdBFsIm5MnEu4KzRm8w2TMkN/q6XOoI"
    "k9mivakbyrXx2RHkswfkjefMmdFlAzkgC+tjioojlwJABqC8DFGhZ0Nwpq5OHmVWgZLN8c5EbHTaenX+mDePToNQot"
    "lEh1DarrH6cZqPTjI3OhNrIiIMjVnJcrZUU7o1KwJAG6uAaMFVuRWo6k8eNz8dsJyFs3u9QVzll9mLKDgWPjC0vh16"
    "YQDwlp6YR8bgfJ0hOerYjkCFupEHyOVvkJFgGQJABEnxfI7Rjvn//Dd45hIthfCrJtwU7s4DHukn9SRECPmheEuvim"
    "VspGmNzrRM5sm5cg6cwvJuRIdWHDiB1jGiMg==",
    // 16
    "MIICdgIBADANBgkqhkiG9w0BAQEFAASCAmAwggJcAgEAAoGBAN7LEtgSVy2uMKV5ux0FFm0g84AFk1lbO509oUlWbm"
    "b1tGhxpKuFt/Ol7k8Du0HQ2GiKdhgd41ndl7P12F8AIS/ghsRujp1YV8xBDZyfBMrW70EAB6/ufd7d8ilz0ONjtKZz"
    "hZ5ygq0xoKah9vZ0mh7umlItRctYx5saSFlePnpZAgMBAAECgYEAvBnwWwWBHUxIPi280Q+Ok6ySabBLa9IfTu7N0c"
    "FrjPo9y0DHqxlG6itaPNQFsdfGHt1oP4xce28fug0DFZJicRpVhu8XE0Ky0TKCxhbZBiC2UxypCMXqQSmlrOhzJgrm"
    "HJBq/a8SpC5zQAhq8zIJsYTf0rPKPYUp6795P406sBECQQD085qYl3QuxCvbymRbWh7EK3DqD9b01n9jXQTmHfFHFf"
    "6VutsjLR4GdXWXuTe6UtFyjwD3XErKFTvEGv3Z5JXTAkEA6Nec7LgZLuDffxkFsngSKlvJ7YflMcBcaD+AZCuT8P/R"
    "MrhlEL5rnNaMy+9CyQYpdYYSliQy2fvSA8ghsPp3owJAHdKG0OsnlwYFPPYwL7sSIdoUHjsddaOj0MojbYzZskjoPP"
    "yJ74dvr2OflIBVW5b3rxXgDT2sUVwycZbDr0KYRwJAfMlJJaiIfpIv1VrgrcQh4CevMajaEW7JV2lo8sZUFB3VzPv7"
    "1hxnafemH4mL3lZ6E60V+vdNdXu7EyHHxKSHRwJAN1xI5skkwrQvnQPn3oNZi/K8ejlJEUejM7rGGHAJUhkCj8VqX8"
    "ZTw+GFmxyOteRlXZ2RNhKLS0wsf/YF8dQRpQ==",
    // 17
    "MIICeAIBADANBgkqhkiG9w0BAQEFAASCAmIwggJeAgEAAoGBANvaL+launhVq4W8TwLFBiaSXFQZLSjzfAz+OK4xVk"
    "5z+vm+uGgEfwr8MKzxJGN+A354crMSWGHyUhzFuuhHhDrJXbZb44ehI+0FRf+YZXsKZfEzDP7y+a6Iz5FkOz/+AEAD"
    "Vnfm3cN9PJ58bkkGEhB2oAZzMazQgx9h3jLuz3uVAgMBAAECgYEAvgQnctXy4ryQwcbOt0MYnM/VMu6LpKBFMGmtDY"
    "kg4i/F1IMtmOGB+DmdzGujGsa4OF/cKr+JWiZ5J9sSP15IfnfcnV0Q6f/yOH0Mjuh5oMezvOw1l81SbBAdr3WdMBlB"
    "Gs/FnYkifQU0aMNEGR5+akymiZTOI+9ErMj+IS9Kx0UCQQD8QeOnMIche7BPXBDQPGRxkH0E4qcN2FLVU7FRbhfsAH"
    "AuSwZ0fqYLsFLvYW36+U4RH1zKaDI4sAZESNuOzgQPAkEA3x039VvkY0YEQ9FkURYfhq9+9tSVylsGljiV+pUyawUF"
    "xyZUFsh29E4lq3HY8GgNDxSuU5KMtJx9Ayh0tHQSGwJBANsd5MCSX57PEPwuTZCEFP+scVwwAMn+8RzKoQjJp8/hJZ"
    "CgrM++Pz+B/theeij6KzymUHSlA5LIG/lujADEpTMCQAqsPCQJjEhPbh7MYm8ajtGDjaBDFRND/XGsLUh6YJoL+HXJ"
    "WJZqan5PSrAD1yvQ3mcNRzWKOh7dqYFAKy0CrGcCQQCU6NvazjXdIqKZhOB2NRAibzEuXJKRdY+KtA3PyTMEn6shX0"
    "nUUY7mDJhsD3RR/oxA4tMJDqZD/r2S5zPlQT+y",
    // 18
    "MIICdQIBADANBgkqhkiG9w0BAQEFAASCAl8wggJbAgEAAoGBAMa0IA3ZcGwHtP89HALWZ4R4RMO/gkAEuHsMpl3k/I"
    "KQTV6ajkPQWI/4YQ1FcQN6QNuxLmQDdzTiOLjhY5uDKzT0k9awd63FiOA54lK1tmaK9vEDgDxtBGb3Sg8Mc2QePrRi"
    "74Qlr81Oo3UATAVQxqVTzVsCLKlVIS4YPZRhebxrAgMBAAECgYBwlB9RGW/rlRZEQlA7f1RZJnb3XOqj8MjA1rLvoc"
    "w7AR0Ey5Zs738t2rDJ/xz/tmVG04UQHzKL4Nv4S6LOuitgrodt16kPtDHa03oGvGAw7wnJ9EtW/dc27OeLGUzOw+m8"
    "rj3oRvHEm0l9CySzz3x/Od51wAcTcM0L8YHgQaT/qQJBAO1HwUNdA4lTnhtACHsiiOFs4LgylgJZwDiTwvkwUhGdtG"
    "arCIC+zxuE8cTU4s9rt6w97iv8nEvZ3Um30ItwhKUCQQDWYUERXA6P86gpum0ZNWw5r0mC1+yi0GaASTZUvyaI623Q"
    "qZ8xg2FZZ1uT3lbI+SU/0+BfGZzrKPX9Cn/r7J/PAkApC9Wh2pBHDED4g84zxtiY7mW9V3rdszruTplW1AYOaBKSBB"
    "o3c0qOfyP3ocAOk5q1YA04bL143ZpLK1IXHQLFAkBhcz4fxQf9mdYEefEj92vl4O96oeq4rCEcCau/5FCBBvwZUTHD"
    "USSMfnZbhkNPAipTlF22/S6emzUOvJofxaVzAkB9zZYlm2hXfQZX4/rNEquLoELkJxAcAmW/dIW/yhobfwxEnS6Nue"
    "qQbLGjQqZlsvQSiXLijfR3ftzcvWzuhdiH",
    // 19
    "MIICdwIBADANBgkqhkiG9w0BAQEFAASCAmEwggJdAgEAAoGBAL6J7y/MEfLvOYdnLZmoqjc1gzUzZmUW8WulbdNpbF"
    "KqRFXr+BbhD2K60hUUgQAm2Wp/8vcP3R6XS9wWnQ+lHCjBXBG8UcHMtcyi2urosDFqUXkPb4aKm5FkVjlEvSz+Vr3W"
    "g/lab8f2uc+D7wELbCRWgvhMcI/f0slaaEn057vtAgMBAAECgYBrMmEeC/qhKZO9KQBPrcOt8e5SlQtrnj/O5zBlu6"
    "8UxvRRPsPB43brfd3JvFJjSngRYdDIzOUDW+1y8koEzkiLcNFkLfoJ5GHOH3YEPfitHfr+H71wZRBN5SToKJ5tHhcS"
    "wX2ciIpFyiScQ6Q1ZauQSdTbaiSgx2bX2m18HqYQYQJBAN5CGqT24FcHtJnb5Dc6zAYnDt0qZ1GagPleNwtPBTFwsE"
    "OctnHIIqeADtgv9uzuwuBf1BcU8I2kvlReugy6WOUCQQDbdxRY1Ygs0/OE9vlj54iTENQktMfHByPAV8QkZwbWeM3T"
    "ONCt8C2kTctqxrDKKKk1gLEASpIQ/lQAOwVrHc5pAkEAh3eRF+UlfcZDjNfa9NLQkhtyUtlKmhFq9RM4x5rFVooR1V"
    "QKW7WZcbB628f4YBdzDiE6e0sXB65XF8OY8LMQBQJAQJHuiJx6rkXF9i77/SrYAf0Hja0qwiIVoLex28v8NQnh9O1Y"
    "aHSr2RWSbd37kd8YuccdTKqkAx/w8whqdbOVUQJBAMenS+kmvSJTPIa4nyo88QNywRTqeeekVqUP9Hh5ggxgQuz4cS"
    "qn6HTuyzcEuvtaUV9Bd4zJ4EnJddhYJVsao5M=",
    // 20
    "MIICdwIBADANBgkqhkiG9w0BAQEFAASCAmEwggJdAgEAAoGBALLBLADFNV6gQ8SeRPhr2UWOy81MtQ3c2V1zBR6xCE"
    "GbzQHLKPx9KE49KNTb36sbXYR592aM++WVbIKeToCFOxyPxFeDYgyfeObsY1qeHXzGcFx45iDxT15vYCBXObrri1b8"
    "AwUkkAqv7G3vaY8gQsj1GoMUnMhvbE6awEThoy3VAgMBAAECgYEAk8tXwINNbyF/Jo/dYrB5AiPgqavkfsO9DKDO+O"
    "NSejyBMhxxlOE+dAHpQqVQtz53AdN+FFI460eyYgTVzzlY9xCzNeqdFuY/tD66pnxTNYMIs1ox/TN9BxAkWTpbfHVO"
    "qs2A5UtJ+SNEWyvEbH1ag8r4nbwDDeDkK0VnGlALYrkCQQDZv6LqlmSTE96ueSxb5YNSZ7VymzYG5noqktTF97Xk70"
    "oQGXC5OjZLjU24q/4UdhyXiUO46FDAeNSXXMy35lAPAkEA0ifwCA+6lyFpzND0rBhs2hmmNS5ulGBH9X2Hvo1+bnKz"
    "j+jZMnwHmXVFpmGvFdbHOzMdJm2Z3EcDjdBNtoc/2wJBAICpX1ZFrv/IyddF+hQCtWnHpcsmMvI41Q6628Zt66huS9"
    "Dfd1+7KcHSqI3p8qOcdqCDluR3QN+5hcQ6LSyshbkCQAS3jsSvjbGct2I4gnVmavMORlPFQggkjRjug2B8jozuGCev"
    "w0hFzmncXv7YDHUCCCDFCe914FE4atUBCu2A5acCQCJZt28IqVxi/RIRh752oBsykkbaqr2O2YQL3uiZ3macx9T48f"
    "o7zS8PEi6OXeBXftP6rpcmdmDC03s4/ky55Ec=",
    // 21
    "MIICeAIBADANBgkqhkiG9w0BAQEFAASCAmIwggJeAgEAAoGBAL7K711aTirZUDdkqpvZMBzjDExI4n6qbtCv+fnSYO"
    "PYHlHDIjfClp9N6PYZUp5SHZn/FJFMh8czi6w5e1TBakrt2teOyPGlJ2ZHEexBxQb8RfzhG0o/N3ql+6GI7GJQXOU7"
    "oiA1ALCQ57hlrpFgqz1O0DkFeJs5ITrgP4tvaXHXAgMBAAECgYEAkI9CfgEGaQDu/omPmzYcdkax8rrmogKQpB4x0U"
    "/NidUeY+Tt8EHHzjxB3vWg28RsGVpkQxMxbYVotr127Oj/lyT4MM5dDzee5ksEplkWEuid2HVVbbtan5mrHU7jkvGM"
    "3SzaD7KrNpJjrfY3clDVZbCSrVb4MWw2eHHNd+MJlcECQQD5WqA9s4cM+6/7XfI4rMTxHfgwHKtfIQ+oiFQtlbwZUq"
    "4vOWYKYKWUvXXodsWXHFzRbROARMoZpGBKPb3JSKO1AkEAw+C86afC/zUVzm45+ZsFdpeo3cvVb9H6s9D41oduYsJf"
    "/qM6iK/qVRMz4QqMhJmbn4kE41VYlgXXczVETfuO2wJBANLrCH4IfGTMBFigZ8HuyguWKRgxN/gYlBEfd+yzKk9VM4"
    "c4iwqeI5FEDRccWBhw4kY3eHZYOYclFlnWDdHTwr0CQQC44QlNvJNXUCKZ6f38cu4wJisz1S1KUrW/PRFxYvi0bGQw"
    "sp4P34Jc9Df2Q3+ntFhntusPK0Hmr/LQAcnLlREbAkBvKHSALp2z74BmfOB9irLOa2IjOuv/cGlKgUFSnj5FBXijL5"
    "0KNxIaWBVAcU18WQqqkrTqcsm5NNMxnjaxYKi2",
    // 22
    "MIICdwIBADANBgkqhkiG9w0BAQEFAASCAmEwggJdAgEAAoGBAPRVgqdSKJrDGzNJ68gcdWoMXvnIEuIhztn9I+Kmz9"
    "AQbQR1qLYLPX5gKWaEFwtJ5OdSmKpoMv8Y7Ps71bnyOcsmrXa5H2y+GNOD2MxUsvBI09z7+g16ZXbIbToXofnUnyis"
    "TWWn8CeZCmYcEMYwDHukXR25pLGS4knzFitE4GC/AgMBAAECgYBw3A69uvWGhxjJWBvRE1Qo6A320rPmQDeL+aHZz7"
    "OuJ+gzZyXG8Oo2tbRp5hm+3SMetshN7lOgAaN1aO4QNhL7HJSRU45NCckMTG4OtJekM9Mkl4JRSvXOud4DXaQgt6uw"
    "6vvliMys71t2s3Io1DOTimFPP0+LGVjdhaqiX+EuAQJBAPvn26/5fjDOGUSPCHdT47DedoQwPsLRfHjh3oGv5Jpgk1"
    "NkeeOS4eQBOww4AJ+32aeL6qJHAvux3HRfvOp+wpsCQQD4TiXKo8MM1aLK+OSWJXgzXRv1kKI5aYt/Vcy9HwTBcjKn"
    "AjgKTJTCftVsDQgUsNirL7KLeB0yN4p2hnbse3qtAkEA78lVJb2okWyeQNSminAgXUxmJI6IL4qZobffxjNYuFsV4l"
    "vSav52aEODoa3tahvn48UcJDzUaiJ0Z5J6kfz34QJBAKmW7lbVvI1SiGpqze0C0HL8X/E7hKEDxkQE/N4ahmv9LD1G"
    "1bGrFls0t12iFOfU1VcuL5r0QbSfnJFRS34+480CQAIRi75Hq9Wga2jMgECJHtWH6e68bGNCQ47QIN4IT5VwM+uTaH"
    "OZSHEsNUmgf8m3O97Ht/dOkKwzHq4lDcPIN7I=",
};

template <typename Key>
std::shared_ptr<const Key> load(std::size_t number) {
  std::string pem = "-----BEGIN PRIVATE KEY-----\n";
  constexpr std::size_t kLine = 64;
  const std::string_view text = kPool.at(number);
  for (std::size_t at = 0; at < text.size(); at += kLine)
    pem.append(text.substr(at, kLine)).push_back('\n');
  pem += "-----END PRIVATE KEY-----\n";
  auto key = Key::from_pem({reinterpret_cast<const std::uint8_t*>(pem.data()), pem.size()});
  invariant(key.has_value());
  return std::move(*key);
}

template <typename Key, std::size_t Count>
std::array<std::shared_ptr<const Key>, Count> load_all(std::size_t first) {
  std::array<std::shared_ptr<const Key>, Count> keys;
  for (std::size_t i = 0; i < Count; ++i) keys[i] = load<Key>(first + i);
  return keys;
}

const auto& decryption_keys() {
  static const auto keys = load_all<crypto::HandoverDecryptionKey, kDecryptionKeys>(kSigningKeys);
  return keys;
}

}  // namespace

const std::shared_ptr<const crypto::SigningKey>& signing_key(std::size_t number) {
  static const auto keys = load_all<crypto::SigningKey, kSigningKeys>(0);
  return keys.at(number);
}

const std::shared_ptr<const crypto::HandoverDecryptionKey>& decryption_key(std::size_t number) {
  return decryption_keys().at(number);
}

std::size_t decryption_key_of(ByteView spki) {
  const auto& keys = decryption_keys();
  std::size_t number = 0;
  while (number < keys.size() && !equal(keys[number]->spki(), spki)) ++number;
  return number;
}

}  // namespace sendoff::sim
