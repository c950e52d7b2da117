# The image of every process; the command says which one it is (see Procfile and docker-compose.yml).

FROM node:24-slim AS dashboard
WORKDIR /dashboard
COPY dashboard/package.json dashboard/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY dashboard/ ./
RUN npm run build

FROM python:3.13-slim
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOST=0.0.0.0
WORKDIR /telltale
COPY requirements.txt ./
RUN pip install --no-cache-dir --disable-pip-version-check -r requirements.txt
COPY alembic.ini gunicorn.conf.py wsgi.py ./
COPY app/ app/
COPY workers/ workers/
COPY migrations/ migrations/
COPY --from=dashboard /dashboard/dist/ dashboard/dist/
RUN useradd --system --no-create-home telltale
USER telltale
EXPOSE 8000
CMD ["gunicorn", "-c", "gunicorn.conf.py", "wsgi:app"]
