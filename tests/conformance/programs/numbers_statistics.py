import statistics as s

data = [2.5, 3.25, 5.5, 11.5, 11.5, 1.75]
print(s.mean(data), s.median(data), s.mode(data), round(s.stdev(data), 6), s.quantiles(data, n=4), s.fmean(data))
print(s.linear_regression([1, 2, 3], [2, 4, 6.5]), s.correlation([1, 2, 3], [3, 2, 1]), s.harmonic_mean([40, 60]))
bell = s.NormalDist(100, 15)
print(round(bell.cdf(130), 6), round(bell.inv_cdf(0.9), 6), bell + 5, s.multimode("aabbc"))
try:
    s.mean([])
except s.StatisticsError as error:
    print(error)
